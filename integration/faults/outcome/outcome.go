// Package outcome is what a replica of the fault harness says about itself: one line of JSON each time it is asked, and one at its end.
package outcome

// Report counts what became of the tasks of a replica since it started. Accepted is the sum of the outcomes when no task is under way.
type Report struct {
	Event   string `json:"event"` // ready, report, resting, stopped or ended
	Replica string `json:"replica"`

	Accepted   int64  `json:"accepted"`
	OK         int64  `json:"ok"`              // the provider answered
	Deadline   int64  `json:"deadline"`        // the deadline came first, or could not be met
	Refused    int64  `json:"refused"`         // the orchestrator was closing: the caller keeps the task
	HandedBack int64  `json:"handed_back"`     // the drain gave the task back to its caller
	Failed     int64  `json:"failed"`          // any other error
	Error      string `json:"error,omitempty"` // the first of those

	ScriptCalls int64   `json:"script_calls"` // requests to Redis for reservations
	Late        int64   `json:"late"`         // reservations that came too late to be used
	OverrunMS   float64 `json:"overrun_ms"`   // the most by which a task ended after its deadline
	Goroutines  int     `json:"goroutines"`
	Replicas    int     `json:"replicas"`    // live ones, as this replica last heard; 0 where the limiter does not count them
	Disputed    int     `json:"disputed"`    // buckets of which replicas want different limits, as of the last word disputed; -1 where the limiter does not say
	SteppedS    float64 `json:"stepped_s"`   // by how much the wall clock has stepped since the start, s
	Waits       int64   `json:"waits"`       // tasks that began since the word waits, and have ended
	WaitP99MS   float64 `json:"wait_p99_ms"` // 99 % of those took no longer from their beginning to their end
}

// Ended is the sum of the outcomes.
func (r Report) Ended() int64 { return r.OK + r.Deadline + r.Refused + r.HandedBack + r.Failed }
