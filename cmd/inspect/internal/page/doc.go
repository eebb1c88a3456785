// Package page serves the report of a fleet as one web page, to look at and not to act on.
//
// The page is HTML, CSS and one script, embedded and without a build step. It follows one stream of events, /api/v1/events:
//
//   - hello, first: how often Redis is read, from which age on data is stale, the time of a clock by which reports are stamped, and what charts
//     need of the last minute.
//   - report: the report as JSON, without the records of replicas.
//   - trouble: why Redis could not be read. It is sent again for each attempt.
//
// /api/v1/report gives the report once, /api/v1/why?name=ROUTE what holds calls of a route or bucket back, /livez says that the process is alive.
//
// The guarantee: however many people look, Redis is read once an interval, and not at all while nobody looks. A reader who takes nothing loses
// the stream at its write deadline. A reader who is slow misses reports, and never gets an old one after a newer one.
//
// On failure of Redis the last report stays, with its age. [Server.Serve] owns all goroutines and waits for them.
package page
