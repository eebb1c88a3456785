// Package outcome has the report of a replica of the fault harness. The replica prints a report, one line of JSON, after each word on its
// standard input, and one at its end.
package outcome

// Report counts the outcomes of the tasks of a replica since it started. When no task is under way, the sum of the outcomes is Accepted.
type Report struct {
	Event   string `json:"event"` // ready, report, resting, stopped or ended
	Replica string `json:"replica"`

	Accepted   int64  `json:"accepted"`
	OK         int64  `json:"ok"`              // the provider answered
	Deadline   int64  `json:"deadline"`        // the deadline came first, or could not be met
	Refused    int64  `json:"refused"`         // the orchestrator was closing and did not accept the task
	HandedBack int64  `json:"handed_back"`     // the drain handed the queued task back to its caller
	Failed     int64  `json:"failed"`          // any other error
	Error      string `json:"error,omitempty"` // the first of the other errors

	ScriptCalls int64   `json:"script_calls"` // requests to Redis for reservations
	Late        int64   `json:"late"`         // reservations that came too late to be used
	OverrunMS   float64 `json:"overrun_ms"`   // the most by which a task ended after its deadline
	Goroutines  int     `json:"goroutines"`
	Replicas    int     `json:"replicas"`    // live replicas that this one knows; 0 if the limiter does not count them
	Disputed    int     `json:"disputed"`    // buckets for which replicas want different limits, at the last word disputed; -1 if the limiter does not know
	SteppedS    float64 `json:"stepped_s"`   // seconds by which the wall clock has stepped since the start
	Waits       int64   `json:"waits"`       // tasks that began after the last word waits, and have ended
	WaitP99MS   float64 `json:"wait_p99_ms"` // 99 % of these tasks took no longer, from their beginning to their end
}

// Ended returns the sum of the outcomes.
func (r Report) Ended() int64 { return r.OK + r.Deadline + r.Refused + r.HandedBack + r.Failed }
