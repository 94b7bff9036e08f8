/** Of Services whose status is ours: says whether an address is assigned, and why not. */
export const CONDITION_TYPE = 'kube-ipvs.io/AddressAssigned';
