//go:build unix

package faults

import "syscall"

// The signals that suspend a process and have it go on.
const (
	suspendSignal = syscall.SIGSTOP
	resumeSignal  = syscall.SIGCONT
)
