// Package table holds a table of worlds in which a rate limiter must behave, and the judge of each run.
//
// A [Row] describes one world: limits, routes, a fleet, its callers and when they ask. A runner plays the row against a
// limiter and writes a [Log]. [Judge] compares the log with the law of every limit and with an ideal first-come queue.
//
//	for row := range table.All() {            // or Pairwise, or Named
//		log := play(row)                      // the runner's own part
//		fmt.Println(table.Judge(row, log, table.Tolerance{Slack: time.Microsecond}))
//	}
//
// Every row begins at time 0 with every limit empty: a bucket has just given its whole burst, a window its whole count.
//
// The package imports nothing of the project, so that the judge shares no mistake with the limiter.
package table
