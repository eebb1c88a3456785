package faults

import "syscall"

// Windows has no signals that suspend a process. The numbers are those of Linux, so that containers can be suspended. Rows that suspend a
// process of this machine fail with the error of [os.Process.Signal].
const (
	suspendSignal = syscall.Signal(19)
	resumeSignal  = syscall.Signal(18)
)
