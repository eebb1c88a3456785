package faults

import "syscall"

// Windows has no signals that suspend a process. These are the numbers of Linux. signalName turns them into names, so that rows can suspend
// containers. Rows that suspend a process of this machine fail with the error of [os.Process.Signal].
const (
	suspendSignal = syscall.Signal(19)
	resumeSignal  = syscall.Signal(18)
)
