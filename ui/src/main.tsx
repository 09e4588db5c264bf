import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { setNonce } from 'get-nonce';
import { App } from '@/app/App';
import { nonce } from '@/app/config';
import '@/design/global.css';

setNonce(nonce); // for the style element that keeps the page still behind a dialog

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
