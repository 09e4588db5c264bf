import { getRouteApi } from '@tanstack/react-router';
import { Id } from '@/design/Id';

const route = getRouteApi('/namespaces/$ns/workflows/$workflowId/$runId');

export function ExecutionPage() {
  const { workflowId } = route.useParams();
  return <Id value={workflowId} what="id" />;
}
