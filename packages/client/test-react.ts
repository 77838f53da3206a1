import { Window } from 'happy-dom';
import { act, createElement, type ReactNode, StrictMode } from 'react';

/** A page to render into, for as long as it is not disposed of. React asks for its globals as soon as it is imported. */
export async function openPage() {
  const window = new Window();
  Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
  const { createRoot } = await import('react-dom/client');
  const element = window.document.createElement('div');
  const root = createRoot(element);
  return {
    text: () => element.textContent ?? '',
    render: (node: ReactNode) => act(async () => root.render(createElement(StrictMode, null, node))),
    /** Lets React render what has happened, until what is shown fits. */
    async until(fits: (text: string) => boolean): Promise<string> {
      for (let turn = 0; turn < 500 && !fits(element.textContent ?? ''); turn++) {
        await act(() => new Promise((resolve) => setTimeout(resolve, 10)));
      }
      return element.textContent ?? '';
    },
    async [Symbol.asyncDispose]() {
      await act(async () => root.unmount());
      await window.happyDOM.close();
    },
  };
}
