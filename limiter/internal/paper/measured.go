package paper

import "time"

// Measured returns the constants of the table. The times of Redis and of timers are rounded from several runs of the command's calibrate on
// a virtual machine of two cores. The network is an assumption: half a millisecond, as between two machines of one site.
func Measured() Costs {
	const us = time.Microsecond
	return Costs{
		Trip: 500 * us, Spread: 100 * us, Late: 600 * us,
		Plain: 20 * us, Bail: 21 * us, Full: 35 * us, Line: 15 * us, Deep: us / 10, Ask: 16 * us / 10, Limit: 35 * us / 10,
		Presence: 82 * us, Announce: 14 * us, Publish: 8 * us,
	}
}
