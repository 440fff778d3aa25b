// The stream of /live as messages: {kind: 'board', n, topics, partials}, {kind: 'ping', at}, {kind: 'lost'},
// {kind: 'signed_out'}. It reconnects by itself, quickly: an alarm must not wait for a back-off.
const AGAIN_AFTER = 2000;
const SILENT_AFTER = 12000;

export function openStream(language, tell) {
  let source;
  let heard = Date.now();
  let waiting;

  const connect = () => {
    clearTimeout(waiting);
    source?.close();
    heard = Date.now();
    source = new EventSource(`/live?lang=${language}`);
    source.addEventListener('board', (event) => {
      heard = Date.now();
      tell({ kind: 'board', ...JSON.parse(event.data) });
    });
    source.addEventListener('ping', (event) => {
      heard = Date.now();
      tell({ kind: 'ping', at: event.data });
    });
    source.onerror = async () => {
      tell({ kind: 'lost' });
      if (source.readyState !== EventSource.CLOSED) return;
      const answer = await fetch('/live/who', { cache: 'no-store' }).catch(() => null);
      if (answer?.status === 401) tell({ kind: 'signed_out' });
      waiting = setTimeout(connect, AGAIN_AFTER);
    };
  };

  setInterval(() => {
    if (Date.now() - heard > SILENT_AFTER) {
      tell({ kind: 'lost' });
      connect();
    }
  }, 1000);
  connect();
  return { again: connect };
}
