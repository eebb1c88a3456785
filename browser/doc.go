// Package browser holds tests that need a real browser: what an EventSource does with the streams of a replica, and what the page of inspect shows
// of a fleet. It is a module of its own, so that what drives the browser never becomes a dependency of weir's users.
//
// The tests need Chromium on the PATH (Debian: apt-get install chromium), those of the page redis-server, too. They skip without them; where CI is
// set they fail. WEIR_SCREENSHOTS names a folder for pictures of the page.
package browser
