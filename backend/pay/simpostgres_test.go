//go:build !race

package pay_test

import (
	"testing"

	"saoma/backend/store/postgrestest"
)

// The same on PostgreSQL. Its socket is real, and virtual time stands still while it answers.
func TestSimulationOnPostgres(t *testing.T) {
	c, err := postgrestest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Remove(); err != nil {
			t.Error(err)
		}
	})
	const seed, orders = 1, 30
	if err := runSimulation(t, c.URL("postgres"), seed, orders); err != nil {
		t.Error(err)
	}
}
