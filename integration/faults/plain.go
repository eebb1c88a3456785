package faults

import (
	"context"
	"time"
)

// plainRows returns the rows without a fault.
func plainRows() []Row {
	return []Row{{
		Number: 1, Name: "saturation", CI: true, Fault: "none: more work than budget",
		Config: Config{Docker: true},
		Marks:  []Mark{law(), fortyInASecond(), usedAtLeast(0.97), noneFailed()},
		Play: func(ctx context.Context, w *World) error {
			return w.Measure(ctx, few(w, 15*time.Second, 120*time.Second))
		},
	}}
}
