{
  "targets": [
    {
      "target_name": "kube_ipvs",
      "conditions": [
        ["OS=='linux'", {
          "sources": [
            "addon/module.cc",
            "addon/packetBorder.cc",
            "addon/border.cc",
            "addon/socket.cc",
            "addon/packets.cc",
            "addon/descriptors.cc",
            "addon/names.cc",
            "addon/options.cc",
            "addon/errors.cc"
          ],
          "dependencies": ["<!(node -p \"require('node-addon-api').targets\"):node_addon_api_except"],
          "defines": [
            "NAPI_VERSION=9",
            "NODE_ADDON_API_DISABLE_DEPRECATED",
            "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
          ],
          "cflags_cc": ["-std=c++20", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"]
        }, {
          "type": "none"
        }]
      ]
    }
  ]
}
