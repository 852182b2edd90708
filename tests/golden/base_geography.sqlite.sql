CREATE TABLE base_geography ( -- 地名地址
    place_address TEXT, -- 地址全称：地址的完整描述，自省级行政区划起。标准规定必备。依据 GB/T 35639-2017 5.2.2 addressValue（仅见一处来源）
    place_address_code TEXT, -- 地址标识码：编配机构赋予地址的唯一代码。标准规定必备。依据 GB/T 35639-2017 5.2.2 id（仅见一处来源）
    place_name TEXT, -- 地点名称：居民小区、院落、建筑物或标识性地物的名称。标准规定可选。依据 GB/T 35639-2017 5.4.2 片区名、建筑物名（仅见一处来源）
    place_division_code TEXT, -- 地址行政区划代码：地址所在的县级以上行政区划，现行代码。代码表 division。标准规定可选。依据 GB/T 35639-2017 5.4.2 行政区划名（仅见一处来源）
    place_town_name TEXT, -- 乡镇街道名：地址所在的乡、镇或街道。标准规定可选。依据 GB/T 35639-2017 5.4.2 乡镇/街道级区划名（仅见一处来源）
    place_community_name TEXT, -- 社区村名：地址所在的社区、村（居）委会。标准规定可选。依据 GB/T 35639-2017 5.4.2 社区/村（居）委名（仅见一处来源）
    place_road_name TEXT, -- 街路巷名：地址所在的街、道、路、巷。标准规定可选。依据 GB/T 35639-2017 5.4.2 街路巷名（仅见一处来源）
    place_door_number TEXT, -- 门牌号：街路巷上的门牌号。标准规定可选。依据 GB/T 35639-2017 5.4.2 门牌号（仅见一处来源）
    place_building_number TEXT, -- 楼牌号：院落或小区内的楼栋号。标准规定可选。依据 GB/T 35639-2017 5.4.2 楼牌号（仅见一处来源）
    place_unit_number TEXT, -- 单元门号：楼内单元或门的编号。标准规定可选。依据 GB/T 35639-2017 5.4.2 单元门号（仅见一处来源）
    place_floor TEXT, -- 楼层：所在楼层。标准规定可选。依据 GB/T 35639-2017 5.4.2 楼层（仅见一处来源）
    place_room_number TEXT, -- 户室号：楼内户或室的编号。标准规定可选。依据 GB/T 35639-2017 5.4.2 户室号（仅见一处来源）
    place_longitude TEXT, -- 地址经度：地址位置的经度（2000 国家大地坐标系），十进制度。标准规定可选。依据 GB/T 35639-2017 5.3.2 longitude（仅见一处来源）
    place_latitude TEXT, -- 地址纬度：地址位置的纬度（2000 国家大地坐标系），十进制度。标准规定可选。依据 GB/T 35639-2017 5.3.2 latitude（仅见一处来源）
    place_status_code TEXT, -- 地址状况代码：地址是否由法定管理机构编配。代码表 address_status。标准规定可选。依据 GB/T 35639-2017 5.4.4 AddressStatus（仅见一处来源）
    place_stage_code TEXT, -- 地址生命期阶段代码：地址所处的生命期阶段。代码表 address_stage。标准规定可选。依据 GB/T 35639-2017 5.4.5 AddressLifecycleStage（仅见一处来源）
    source_updated_datetime TEXT -- 数据更新时间：源系统中该记录最近一次更新的时间，北京时间。标准规定可选。依据 GB/T 7408.1-2023（未见原文）
);
