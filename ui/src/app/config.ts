/** What the server wrote into the page: index.html's placeholders. */
export interface Config {
  version: string;
  uiVersion: string;
  readOnly: boolean;
  /** The path that the UI is served under, with a slash at both ends. */
  base: string;
  defaultNamespace: string;
  grpcAddress: string;
  codecEndpoint?: string;
}

function read(): Partial<Config> {
  if (typeof document === 'undefined') return {};
  try {
    const parsed: unknown = JSON.parse(document.getElementById('skald-config')?.textContent ?? '');
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

export const config: Config = {
  version: '',
  uiVersion: '',
  readOnly: false,
  base: '/',
  defaultNamespace: 'default',
  grpcAddress: '127.0.0.1:7233',
  ...read(),
};

/** For the style elements that Mantine and CodeMirror make. */
export const nonce =
  typeof document === 'undefined'
    ? ''
    : (document.querySelector<HTMLMetaElement>('meta[name="skald-nonce"]')?.content ?? '');
