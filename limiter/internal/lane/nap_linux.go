package lane

import (
	"syscall"
	"time"
)

// napping says that nap is more exact than a timer.
const napping = true

// nap sleeps in the kernel, on a thread that the runtime replaces meanwhile.
func nap(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // a signal may end it early
}
