//go:build !linux

package lane

import "time"

// kernelSleeping is whether kernelSleep is more exact than a timer.
const kernelSleeping = false

func kernelSleep(time.Duration) {}
