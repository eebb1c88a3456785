//go:build !linux

package lane

import "time"

// kernelSleeping says that kernelSleep is more exact than a timer.
const kernelSleeping = false

func kernelSleep(time.Duration) {}
