package main

import (
	"fmt"

	"saoma/backend/pay"
)

// A limitsConfig is [merchant.limits]: how often a merchant's servers and customers may call. 0: the default.
type limitsConfig struct {
	Requests  int `toml:"requests_per_minute"`  // by the merchant's servers
	Checkouts int `toml:"checkouts_per_minute"` // made from one address
}

const limitMax = 10_000_000 // more is no limit

func (l limitsConfig) check() error {
	for key, n := range map[string]int{"requests_per_minute": l.Requests, "checkouts_per_minute": l.Checkouts} {
		if n < 0 || n > limitMax {
			return fmt.Errorf("%s must be from 1 to %d, or absent", key, limitMax)
		}
	}
	return nil
}

func (l limitsConfig) limits() pay.Limits {
	return pay.Limits{Requests: l.Requests, Checkouts: l.Checkouts}
}
