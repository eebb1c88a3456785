//go:build unix

package main

import "syscall"

// apart returns the attributes that put a process into a group of its own.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
