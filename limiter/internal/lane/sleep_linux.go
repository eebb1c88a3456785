package lane

import (
	"syscall"
	"time"
)

// kernelSleeping is whether kernelSleep is more exact than a timer.
const kernelSleeping = true

// kernelSleep sleeps in the kernel, on a thread that the runtime replaces meanwhile.
func kernelSleep(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // a signal may end it early
}
