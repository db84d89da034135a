'use strict';
// Stands in for a native module that npm has no binary of: what VS Code logs is kept in memory until its window is
// closed, not in files.
class Logger {
  getLevel() { return 0; }
  setLevel() {}
  setPattern() {}
  clearFormatters() {}
  trace() {}
  debug() {}
  info() {}
  warn() {}
  error() {}
  critical() {}
  flush() {}
  drop() {}
}
exports.version = 0;
exports.setLevel = exports.setFlushOn = exports.shutdown = () => {};
exports.createRotatingLogger = exports.createAsyncRotatingLogger = async () => new Logger();
