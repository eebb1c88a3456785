//go:build unix

package faults

import "syscall"

// The signals that suspend and resume a process.
const (
	suspendSignal = syscall.SIGSTOP
	resumeSignal  = syscall.SIGCONT
)
