// Package browser holds tests that need a real browser: what an EventSource does with the streams of a replica. It is a module of its own, so
// that what drives the browser never becomes a dependency of weir's users.
//
// The tests need Chromium on the PATH (Debian: apt-get install chromium) and skip without it; where CI is set they fail.
package browser
