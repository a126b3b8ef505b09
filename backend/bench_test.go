package main

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"saoma/backend/pay"
)

// From the customer's press on "pay" to the news at the browser's socket, everything real in between: the
// signed and encrypted callback over HTTP, its verification, the synced commit, the push. What the browser
// then needs to show it is not in the figure.
func BenchmarkPayToPush(b *testing.B) {
	d := openBench(b)
	var times []time.Duration
	for b.Loop() {
		b.StopTimer()
		o, err := d.service.cashier.CreateOrder(b.Context(), pay.NewOrder{
			Merchant: demoMerchant, Lines: []pay.Line{{SKU: "latte", Quantity: 1}},
		})
		if err != nil {
			b.Fatal(err)
		}
		changed, stop := d.service.hub.Watch(string(o.ID))
		b.StartTimer()
		began := time.Now()
		if _, err := d.sim.Pay(o.CodeURL, ""); err != nil {
			b.Fatal(err)
		}
		<-changed
		times = append(times, time.Since(began))
		stop()
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-µs")
}

// An order with its two synced commits and WeChat Pay's answer, of which the RSA signature is the largest part.
func BenchmarkCreateOrder(b *testing.B) {
	d := openBench(b)
	for b.Loop() {
		if _, err := d.service.cashier.CreateOrder(b.Context(), pay.NewOrder{
			Merchant: demoMerchant, Lines: []pay.Line{{SKU: "latte", Quantity: 1}},
		}); err != nil {
			b.Fatal(err)
		}
	}
}

func openBench(b *testing.B) *demo {
	b.Helper()
	d, err := startDemo(b.Context(), serveCommand{
		Listen: "127.0.0.1:0", DemoShop: "127.0.0.1:0", DemoSim: "127.0.0.1:0", Data: b.TempDir(),
	}, slog.New(slog.DiscardHandler), options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := d.close(); err != nil {
			b.Error(err)
		}
	})
	return d
}
