package store

import (
	"context"

	"saoma/backend/pay"
)

func (t tx) Product(ctx context.Context, m pay.MerchantID, sku string) (pay.Product, error) {
	p := pay.Product{Merchant: m, SKU: sku}
	err := t.QueryRowContext(ctx, `SELECT name, price FROM products WHERE merchant = $1 AND sku = $2`, m, sku).
		Scan(&p.Name, &p.Price)
	if err != nil {
		return pay.Product{}, noRow("product", err)
	}
	return p, nil
}

func (t tx) PutProduct(ctx context.Context, p pay.Product) error {
	return t.change(ctx, "put product "+p.SKU, `INSERT INTO products (merchant, sku, name, price)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT (merchant, sku) DO UPDATE SET name = excluded.name, price = excluded.price`,
		p.Merchant, p.SKU, p.Name, p.Price)
}
