/** Of every simulated machine. */
export const SIMULATED_IMAGE = 'registry.example/simulated:1';
