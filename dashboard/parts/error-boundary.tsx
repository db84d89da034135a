import { Component, type ComponentChildren, type JSX } from 'preact';
import { ErrorBoundary as LazyBoundary } from 'preact-iso';
import { words } from '../words/words.ts';

/** Keeps a part that breaks from taking the page with it; parts that are still being loaded are waited for. */
export class ErrorBoundary extends Component<{ children: ComponentChildren }, { isBroken: boolean }> {
  override state = { isBroken: false };

  override componentDidCatch(error: unknown): void {
    console.error(error);
    this.setState({ isBroken: true });
  }

  override render(): JSX.Element {
    if (!this.state.isBroken) return <LazyBoundary>{this.props.children}</LazyBoundary>;
    return (
      <div class="notice bad" role="alert">
        <p>{words.broken}</p>
        <button type="button" class="button" onClick={() => this.setState({ isBroken: false })}>
          {words.action.reload}
        </button>
      </div>
    );
  }
}
