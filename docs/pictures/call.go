package main

// callPicture is the path of a call from its caller to the provider, and of the answer to the fleet.
func callPicture() *canvas {
	c := newCanvas(476, "The path of a call",
		"A caller gives a task to the orchestrator of its replica. The task waits in the lane of its route. The limiter of the replica makes one request to Redis for all its waiters. "+
			"Redis answers with due times, or with a turn. When a reservation is due, the first task of the lane takes a slot and calls the provider. "+
			"The replica reports a refusal, or the remaining quota, to Redis, and every replica learns of it from there.")
	c.box("group", 16, 16, 524, 272)
	c.text("quiet", begins, 13, 32, 38, "a replica")
	c.part(32, 52, 112, 62, "caller", "Execute a task")
	c.part(196, 52, 174, 62, "lane", "tasks of one route wait")
	c.part(416, 52, 108, 62, "slot", "one of N")
	c.part(196, 196, 328, 76, "limiter", "the waiters of a replica share one request;", "each sleeps until its due time, once")
	c.part(640, 52, 144, 62, "provider", "judges each call")
	c.part(196, 362, 328, 62, "Redis", "the buckets of the fleet, and their lines")
	c.part(612, 362, 172, 62, "other replicas", "ask as this one does")

	c.arrow("ink", point{144, 83}, point{196, 83})
	c.arrow("ink", point{370, 83}, point{416, 83})
	c.arrow("ink", point{236, 114}, point{236, 196})
	c.text("ink", begins, 13, 246, 150, "1 wants tokens")
	c.text("ink", begins, 13, 246, 167, "for its tasks")
	c.arrow("ink", point{470, 196}, point{470, 114})
	c.text("ink", ends, 13, 460, 150, "4 due: the")
	c.text("ink", ends, 13, 460, 167, "first starts")
	c.arrow("ink", point{524, 83}, point{640, 83})
	c.text("ink", middle, 13, 592, 74, "5 one call")

	c.arrow("blue", point{236, 272}, point{236, 362})
	c.text("blue", ends, 13, 226, 318, "2 one request:")
	c.text("blue", ends, 13, 226, 335, "waiters, and reports")
	c.arrow("blue", point{470, 362}, point{470, 272})
	c.text("blue", ends, 13, 460, 318, "3 a due time for each,")
	c.text("blue", ends, 13, 460, 335, "or a turn to ask again")

	c.arrow("red", point{712, 114}, point{712, 234}, point{524, 234})
	c.text("red", begins, 13, 552, 178, "6 the answer: 429,")
	c.text("red", begins, 13, 552, 195, "Retry-After, or")
	c.text("red", begins, 13, 552, 212, "what remains")
	c.arrow("red", point{524, 393}, point{612, 393})
	c.text("red", middle, 13, 612, 318, "7 the bucket is held, or cut,")
	c.text("red", middle, 13, 612, 335, "for every replica")

	c.text("quiet", begins, 12, 16, 458, "A report travels with the next request. A 429 is reported at once. Every lane learns of a hold within 5 s.")
	return c
}
