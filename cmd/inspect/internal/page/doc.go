// Package page serves the report of a fleet as one web page. The page only shows the fleet, unless [Config.By] is set: then it can also pause and
// resume buckets, and drain and forget replicas.
//
// The page is HTML, CSS and one script, embedded and without a build step. It follows one stream of events, /api/v1/events:
//
//   - hello comes first. It has the interval between readings, the age from which data is stale, the time of the clock that stamps reports, and the
//     last minute of the charts.
//   - report is the report as JSON, without the records of replicas.
//   - trouble says why Redis could not be read. Each failed attempt sends it again.
//
// /api/v1/report answers with one report. /api/v1/why?name=ROUTE answers why calls of a route or a bucket wait. /livez answers that the process is
// alive. POST /api/v1/actions changes the fleet.
//
// The guarantee: any number of open pages costs one reading of Redis an interval. While no page is open, nothing is read. The server closes the
// stream of a reader that accepts no data before the write deadline. A slow reader misses reports, and never gets an older report after a newer one.
//
// If Redis fails, the page keeps the last report and shows its age. [Server.Serve] owns all goroutines and waits for them.
package page
