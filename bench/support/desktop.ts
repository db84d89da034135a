/** The desktop that parts measure where the engine has its image. */
export const DESKTOP = {
  image: 'local/webtop:debian-xfce',
  vm: { distribution: 'debian', desktop: 'xfce' },
} as const;
