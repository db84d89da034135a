#!/bin/bash
set -e

mkdir -p /config
[ -s /config/blowfish ] || (umask 077 && head -c 24 /dev/urandom | base64 > /config/blowfish)

# What a user may set goes into PHP only as far as it is a host name, a number or a yes.
host=$(printf %s "${PMA_HOST:-db}" | tr -dc 'A-Za-z0-9._:-')
port=$(printf %s "${PMA_PORT:-3306}" | tr -dc 0-9)
arbitrary=$([ "${PMA_ARBITRARY:-0}" = 1 ] && echo true || echo false)
cat > /etc/phpmyadmin/conf.d/50-container.php <<PHP
<?php
\$cfg['blowfish_secret'] = '$(cat /config/blowfish)';
\$cfg['Servers'][1]['host'] = '$host';
\$cfg['Servers'][1]['port'] = '$port';
\$cfg['Servers'][1]['auth_type'] = 'cookie';
\$cfg['AllowArbitraryServer'] = $arbitrary;
PHP
chown root:www-data /etc/phpmyadmin/conf.d/50-container.php
chmod 640 /etc/phpmyadmin/conf.d/50-container.php

# shellcheck source=/dev/null
. /etc/apache2/envvars
mkdir -p "$APACHE_RUN_DIR" "$APACHE_LOCK_DIR"
# Apache takes WINCH for its gentle stop; TERM, which engines send, ends it at once.
exec apache2 -DFOREGROUND
