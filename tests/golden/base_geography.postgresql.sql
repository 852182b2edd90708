CREATE TABLE base_geography (
    place_address VARCHAR(400),
    place_address_code VARCHAR(40),
    place_name VARCHAR(100),
    place_division_code VARCHAR(6),
    place_town_name VARCHAR(60),
    place_community_name VARCHAR(60),
    place_road_name VARCHAR(60),
    place_door_number VARCHAR(40),
    place_building_number VARCHAR(40),
    place_unit_number VARCHAR(20),
    place_floor VARCHAR(20),
    place_room_number VARCHAR(20),
    place_longitude VARCHAR(16),
    place_latitude VARCHAR(16),
    place_status_code TEXT,
    place_stage_code TEXT,
    source_updated_datetime VARCHAR(19)
);
COMMENT ON TABLE base_geography IS '地名地址';
COMMENT ON COLUMN base_geography.place_address IS '地址全称：地址的完整描述，自省级行政区划起。标准规定必备。依据 GB/T 35639-2017 5.2.2 addressValue（仅见一处来源）';
COMMENT ON COLUMN base_geography.place_address_code IS '地址标识码：编配机构赋予地址的唯一代码。标准规定必备。依据 GB/T 35639-2017 5.2.2 id（仅见一处来源）';
COMMENT ON COLUMN base_geography.place_name IS '地点名称：居民小区、院落、建筑物或标识性地物的名称。标准规定可选。依据 GB/T 35639-2017 5.4.2 片区名、建筑物名（仅见一处来源）';
COMMENT ON COLUMN base_geography.place_division_code IS '地址行政区划代码：地址所在的县级以上行政区划，现行代码。代码表 division。标准规定可选。依据 GB/T 35639-2017 5.4.2 行政区划名（仅见一处来源）';
COMMENT ON COLUMN base_geography.place_town_name IS '乡镇街道名：地址所在的乡、镇或街道。标准规定可选。依据 GB/T 35639-2017 5.4.2 乡镇/街道级区划名（仅见一处来源）';
COMMENT ON COLUMN base_geography.place_community_name IS '社区村名：地址所在的社区、村（居）委会。标准规定可选。依据 GB/T 35639-2017 5.4.2 社区/村（居）委名（仅见一处来源）';
COMMENT ON COLUMN base_geography.place_road_name IS '街路巷名：地址所在的街、道、路、巷。标准规定可选。依据 GB/T 35639-2017 5.4.2 街路巷名（仅见一处来源）';
COMMENT ON COLUMN base_geography.place_door_number IS '门牌号：街路巷上的门牌号。标准规定可选。依据 GB/T 35639-2017 5.4.2 门牌号（仅见一处来源）';
COMMENT ON COLUMN base_geography.place_building_number IS '楼牌号：院落或小区内的楼栋号。标准规定可选。依据 GB/T 35639-2017 5.4.2 楼牌号（仅见一处来源）';
COMMENT ON COLUMN base_geography.place_unit_number IS '单元门号：楼内单元或门的编号。标准规定可选。依据 GB/T 35639-2017 5.4.2 单元门号（仅见一处来源）';
COMMENT ON COLUMN base_geography.place_floor IS '楼层：所在楼层。标准规定可选。依据 GB/T 35639-2017 5.4.2 楼层（仅见一处来源）';
COMMENT ON COLUMN base_geography.place_room_number IS '户室号：楼内户或室的编号。标准规定可选。依据 GB/T 35639-2017 5.4.2 户室号（仅见一处来源）';
COMMENT ON COLUMN base_geography.place_longitude IS '地址经度：地址位置的经度（2000 国家大地坐标系），十进制度。标准规定可选。依据 GB/T 35639-2017 5.3.2 longitude（仅见一处来源）';
COMMENT ON COLUMN base_geography.place_latitude IS '地址纬度：地址位置的纬度（2000 国家大地坐标系），十进制度。标准规定可选。依据 GB/T 35639-2017 5.3.2 latitude（仅见一处来源）';
COMMENT ON COLUMN base_geography.place_status_code IS '地址状况代码：地址是否由法定管理机构编配。代码表 address_status。标准规定可选。依据 GB/T 35639-2017 5.4.4 AddressStatus（仅见一处来源）';
COMMENT ON COLUMN base_geography.place_stage_code IS '地址生命期阶段代码：地址所处的生命期阶段。代码表 address_stage。标准规定可选。依据 GB/T 35639-2017 5.4.5 AddressLifecycleStage（仅见一处来源）';
COMMENT ON COLUMN base_geography.source_updated_datetime IS '数据更新时间：源系统中该记录最近一次更新的时间，北京时间。标准规定可选。依据 GB/T 7408.1-2023（未见原文）';
