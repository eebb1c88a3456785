package measure

// ParseInfo is parseInfo for tests.
var ParseInfo = parseInfo
