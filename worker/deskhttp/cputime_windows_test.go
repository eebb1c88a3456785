package deskhttp_test

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime is the processor time that this process has used.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	self, err := syscall.GetCurrentProcess()
	must(t, err)
	var created, exited, kernel, user syscall.Filetime
	must(t, syscall.GetProcessTimes(self, &created, &exited, &kernel, &user))
	hundreds := func(f syscall.Filetime) time.Duration {
		return time.Duration(f.HighDateTime)<<32 | time.Duration(f.LowDateTime)
	}
	return 100 * time.Nanosecond * (hundreds(kernel) + hundreds(user))
}
