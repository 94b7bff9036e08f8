// Set-up file of the kernel tests: they make devices, sets and rules, and so run only in the lab,
// where all of that is gone afterwards.

if (process.env['KUBE_IPVS_LAB'] === undefined) {
  throw new Error(
    'kernel tests run in the lab: npm test -- kernel, or npm run lab -- npm run jest PATH',
  );
}
