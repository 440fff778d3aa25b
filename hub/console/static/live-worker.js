// One EventSource for all tabs of this browser (SharedWorker): browsers allow six connections a host over HTTP/1.1.
import { openStream } from './stream.js';

const tabs = new Set();
let stream;
let latest;

onconnect = ({ ports: [port] }) => {
  tabs.add(port);
  port.onmessage = ({ data }) => {
    if (data === 'gone') tabs.delete(port);
    if (data === 'again') stream?.again();
  };
  if (latest) port.postMessage(latest);
  stream ??= openStream(new URL(self.location.href).searchParams.get('lang'), (message) => {
    if (message.kind === 'board') latest = message;
    if (message.kind === 'lost') latest = undefined;
    for (const tab of tabs) tab.postMessage(message);
  });
};
