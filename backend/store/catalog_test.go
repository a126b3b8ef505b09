package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"saoma/backend/pay"
)

func TestProducts(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
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

func TestListsOfProducts(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
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
