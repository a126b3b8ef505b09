package main

import (
	"slices"
	"testing"

	"saoma/backend/pay"
)

// The second merchant of a demo that has two.
const (
	otherMerchant  = "other"
	otherSecretKey = "sk_other_0123456789abcdef"
	otherSecret    = "Authorization: Bearer " + otherSecretKey
)

// twoMerchants is a demo with a second merchant, who sells tea. The first one sells two buns, which are counted.
func twoMerchants(t *testing.T, configure ...func(*config)) *world {
	t.Helper()
	w := openWorld(t, serveCommand{
		Listen: "127.0.0.1:0", DemoShop: "127.0.0.1:0", DemoSim: "127.0.0.1:0", Data: dataFolder(t),
	}, append([]func(*config){func(c *config) {
		other := c.Merchants[0]
		other.ID, other.Name, other.PublishableKey, other.SecretKey = otherMerchant, "隔壁茶馆", "pk_other", otherSecretKey
		other.Origins = slices.Clone(other.Origins)
		c.Merchants = append(c.Merchants, other)
	}}, configure...)...)
	err := w.service.store.Update(t.Context(), func(tx pay.Tx) error {
		for _, p := range []pay.Product{
			{Merchant: demoMerchant, SKU: "bun", Name: "豆沙包", Price: 300, Limited: true, Stock: 2},
			{Merchant: otherMerchant, SKU: "tea", Name: "茶", Price: 500},
		} {
			if err := tx.PutProduct(t.Context(), p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}
