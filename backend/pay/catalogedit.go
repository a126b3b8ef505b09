package pay

import (
	"context"
	"fmt"
	"strconv"
)

// Product returns a product of the merchant.
func (c *Cashier) Product(ctx context.Context, m MerchantID, sku string) (p Product, err error) {
	err = c.Store.View(ctx, func(tx Tx) error {
		p, err = tx.Product(ctx, m, sku)
		return err
	})
	if err != nil {
		return Product{}, fmt.Errorf("look at a product: %w", err)
	}
	return p, nil
}

// Products returns a page of a merchant's products by SKU, and the cursor of the next, "" on the last.
func (c *Cashier) Products(ctx context.Context, f ProductFilter) (list []Product, next string, err error) {
	limit := f.Limit
	f.Limit++ // one more tells whether there is a next page
	err = c.Store.View(ctx, func(tx Tx) error {
		list, err = tx.Products(ctx, f)
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list products: %w", err)
	}
	if len(list) > limit {
		list = list[:limit]
		next = list[limit-1].SKU
	}
	return list, next, nil
}

// SwitchProduct takes a product off sale or puts it on again, whatever its version is: nothing else of it changes.
func (c *Cashier) SwitchProduct(ctx context.Context, m MerchantID, sku string, off bool, by Actor) (p Product, err error) {
	err = c.Store.Update(ctx, func(tx Tx) error {
		before, err := tx.Product(ctx, m, sku)
		if err != nil || before.Off == off {
			p = before
			return err
		}
		p = before
		p.Off = off
		if err := tx.PutProduct(ctx, p); err != nil {
			return err
		}
		return c.logStaff(ctx, tx, by, ProductChanged, sku, p.changes(before))
	})
	if err != nil {
		return Product{}, fmt.Errorf("switch a product: %w", err)
	}
	return p, nil
}

// changes says for the staff log what of a product is other than before.
func (p Product) changes(before Product) map[string]string {
	detail := make(map[string]string)
	note := func(name, from, to string) {
		if from != to {
			detail[name] = to
		}
	}
	note("name", before.Name, p.Name)
	note("price", strconv.FormatInt(int64(before.Price), 10), strconv.FormatInt(int64(p.Price), 10))
	note("stock", before.stockText(), p.stockText())
	note("picture", before.Picture, p.Picture)
	note("sale", before.saleText(), p.saleText())
	return detail
}

func (p Product) stockText() string {
	if !p.Limited {
		return "not counted"
	}
	return strconv.FormatInt(p.Stock, 10)
}

func (p Product) saleText() string {
	if p.Off {
		return "off"
	}
	return "on"
}
