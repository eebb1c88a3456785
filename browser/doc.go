// Package browser holds tests that need a real browser. They test how an EventSource follows the streams of a replica, and what the page of inspect
// shows of a fleet. The package is a module of its own, so that the driver of the browser does not become a dependency of weir's users.
//
// The tests need Chromium on the PATH (Debian: apt-get install chromium). The tests of the page also need redis-server. Without these programs the
// tests are skipped, or fail if CI is set. WEIR_SCREENSHOTS names a folder for pictures of the page.
package browser
