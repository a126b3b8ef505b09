package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"saoma/backend/pay"
	"saoma/backend/store"
)

func testProducts(t *testing.T, s *store.Store) {
	p := pay.Product{Merchant: "cafe", SKU: "latte", Name: "拿铁", Price: 2800, Version: 1}
	dearer := p
	dearer.Price, dearer.Limited, dearer.Stock, dearer.Off, dearer.Version = 3000, true, 7, true, 2
	dearer.Picture = "https://shop.example/latte.jpg"
	for _, want := range []pay.Product{p, dearer} {
		update(t, s, func(ctx context.Context, tx pay.Tx) error { return tx.PutProduct(ctx, want) })
		err := s.View(t.Context(), func(tx pay.Tx) error {
			got, err := tx.Product(t.Context(), "cafe", "latte")
			if got != want {
				t.Errorf("got %+v; want %+v", got, want)
			}
			if _, err := tx.Product(t.Context(), "other", "latte"); !errors.Is(err, pay.ErrNoRow) {
				t.Errorf("another merchant's product: got %v; want ErrNoRow", err)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func testListsOfProducts(t *testing.T, s *store.Store) {
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		for _, p := range []pay.Product{
			{Merchant: "cafe", SKU: "cake", Name: "蛋糕", Price: 1, Limited: true},
			{Merchant: "cafe", SKU: "latte", Name: "拿铁", Price: 1, Limited: true, Stock: 3},
			{Merchant: "cafe", SKU: "mocha_1", Name: "摩卡 100%", Price: 1, Off: true},
			{Merchant: "other", SKU: "latte", Name: "拿铁", Price: 1},
		} {
			if err := tx.PutProduct(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
	for name, c := range map[string]struct {
		filter pay.ProductFilter
		want   []string
	}{
		"all":       {pay.ProductFilter{}, []string{"cake", "latte", "mocha_1"}},
		"after":     {pay.ProductFilter{After: "cake"}, []string{"latte", "mocha_1"}},
		"limit":     {pay.ProductFilter{Limit: 1}, []string{"cake"}},
		"on":        {pay.ProductFilter{On: true}, []string{"cake", "latte"}},
		"off":       {pay.ProductFilter{Off: true}, []string{"mocha_1"}},
		"sold out":  {pay.ProductFilter{SoldOut: true}, []string{"cake"}},
		"by name":   {pay.ProductFilter{Search: "铁"}, []string{"latte"}},
		"by SKU":    {pay.ProductFilter{Search: "CAK"}, []string{"cake"}},
		"a percent": {pay.ProductFilter{Search: "0%"}, []string{"mocha_1"}},
		"a line":    {pay.ProductFilter{Search: "a_1"}, []string{"mocha_1"}},
		"no match":  {pay.ProductFilter{Search: "l_tte"}, nil},
	} {
		c.filter.Merchant = "cafe"
		if c.filter.Limit == 0 {
			c.filter.Limit = 10
		}
		err := s.View(t.Context(), func(tx pay.Tx) error {
			list, err := tx.Products(t.Context(), c.filter)
			var got []string
			for _, p := range list {
				got = append(got, p.SKU)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: got %v; want %v", name, got, c.want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// Stock is counted where there is a number, and what is reserved is shown with it.
func testStock(t *testing.T, s *store.Store) {
	o := order(1)
	insert(t, s, o)
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		if err := tx.PutProduct(ctx, pay.Product{Merchant: o.Merchant, SKU: "bun", Name: "bun", Price: 1, Limited: true, Stock: 5}); err != nil {
			return err
		}
		if err := tx.PutProduct(ctx, pay.Product{Merchant: o.Merchant, SKU: "air", Name: "air", Price: 1}); err != nil {
			return err
		}
		if left, counted, err := tx.AddStock(ctx, o.Merchant, "bun", -7); left != -2 || !counted || err != nil {
			t.Errorf("%d left, %t, %v; want -2", left, counted, err)
		}
		for _, sku := range []string{"air", "nothing"} {
			if _, counted, err := tx.AddStock(ctx, o.Merchant, sku, -7); counted || err != nil {
				t.Errorf("%s is counted, %v", sku, err)
			}
		}
		for range 2 {
			if err := tx.Reserve(ctx, pay.Reservation{Order: o.ID, Merchant: o.Merchant, SKU: "bun", Quantity: 2}); err != nil {
				return err
			}
		}
		return nil
	})
	update(t, s, func(ctx context.Context, tx pay.Tx) error {
		p, err := tx.Product(ctx, o.Merchant, "bun")
		if p.Stock != -2 || p.Reserved != 4 || p.Version != 2 {
			t.Errorf("read %+v", p)
		}
		if err != nil {
			return err
		}
		list, err := tx.Unreserve(ctx, o.ID)
		if want := []pay.Reservation{{Order: o.ID, Merchant: o.Merchant, SKU: "bun", Quantity: 4}}; !slices.Equal(list, want) {
			t.Errorf("unreserved %v; want %v", list, want)
		}
		return err
	})
}
