import { Component, type ComponentChildren, type JSX } from 'preact';
import { ErrorBoundary as LazyBoundary } from 'preact-iso';
import { words } from '../words/words.ts';

interface ErrorBoundaryProps {
  readonly children: ComponentChildren;
  /** The address that it shows. What broke at another one is tried again. */
  readonly at?: string;
}

/** Keeps a part that breaks from taking the page with it; parts that are still being loaded are waited for. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, { isBroken: boolean }> {
  override state = { isBroken: false };

  override componentDidCatch(error: unknown): void {
    console.error(error);
    this.setState({ isBroken: true });
  }

  override componentDidUpdate({ at }: ErrorBoundaryProps): void {
    if (this.state.isBroken && at !== this.props.at) this.setState({ isBroken: false });
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
