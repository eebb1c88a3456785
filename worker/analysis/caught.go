package analysis

import (
	"runtime/debug"

	"github.com/weir-go/weir/orchestrator"
)

// caught runs a function and returns its error, which wraps an [*orchestrator.PanicError] if the function panics. Every
// goroutine of an analysis runs inside caught: an unrecovered panic would end the process, and with it all other
// analyses.
func caught(run func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &StepError{"a fault of this program", &orchestrator.PanicError{Value: v, Stack: debug.Stack()}}
		}
	}()
	return run()
}
