package measure

import (
	"fmt"
	"syscall"
	"time"
)

// process returns the processor time that this process has used.
func process() (time.Duration, error) {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0, fmt.Errorf("measure: handle of this process: %w", err)
	}
	var created, exited, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(self, &created, &exited, &kernel, &user); err != nil {
		return 0, fmt.Errorf("measure: processor time: %w", err)
	}
	hundreds := func(f syscall.Filetime) time.Duration {
		return time.Duration(f.HighDateTime)<<32 | time.Duration(f.LowDateTime)
	}
	return 100 * time.Nanosecond * (hundreds(kernel) + hundreds(user)), nil
}
