//go:build !linux

package lane

import "time"

// napping says that nap is more exact than a timer.
const napping = false

func nap(time.Duration) {}
