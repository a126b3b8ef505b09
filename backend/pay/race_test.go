//go:build race

package pay_test

// Under the race detector RSA takes ten times as long: a short simulation there, the long one without it.
const simSeeds, simDefault = 1, 8
