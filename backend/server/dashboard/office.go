package dashboard

import "saoma/backend/pay"

// officeRoutes are what is behind the counter: the catalogue, the bookkeeping, and how the shop's programs are connected.
func (d *Dashboard) officeRoutes() []route {
	return []route{
		{"GET products", pay.SeeProducts, d.productsPage},
		{"GET products/~new", pay.EditProducts, d.newProductPage},
		{"POST products", pay.EditProducts, d.addProduct},
		{"GET products/{sku}", pay.EditProducts, d.productPage},
		{"POST products/{sku}", pay.EditProducts, d.editProduct},
		{"POST products/{sku}/switch", pay.EditProducts, d.switchProduct},
		{"GET products/{sku}/delete", pay.EditProducts, d.deleteProductPage},
		{"POST products/{sku}/delete", pay.EditProducts, d.deleteProduct},
	}
}
