/** How the holder of a name proves to an authority that it is theirs (RFC 8555). */
export interface Challenges {
  readonly kind: 'http-01' | 'dns-01';
  /** Publishes the proof; resolves once the authority can see it. */
  present(proof: Proof): Promise<void>;
  remove(proof: Proof): Promise<void>;
  close(): Promise<void>;
}

export interface Proof {
  /** Without the `*.` of a wildcard. */
  readonly name: string;
  /** Of the path, with http-01. */
  readonly token: string;
  /** What is to be found there, or in the TXT record. */
  readonly value: string;
}
