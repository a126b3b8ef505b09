//go:build !race

package pay_test

const simSeeds, simDefault = 3, 40
